// Tries to find a chat template that does not become Transformers' text to the character: of what model families' templates
// use, of expressions of the language, of templates at random, and of templates that Jinja2 refuses. The oracle is Jinja2
// in Transformers' environment, recorded; where conversations and expressions are searched, plain code and Python's rules
// in their slowest form, which were compared with Jinja2. Not claimed: which template of a file is taken, and what the
// variables of a caller mean.
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import { expressions, NAMES, printed } from './chat-template-parity-v1/expressions.ts';
import { searchConversations } from './chat-template-parity-v1/families.ts';
import * as live from './chat-template-parity-v1/live.ts';
import { compare, families, render, snippets, type Rendering } from './chat-template-parity-v1/recorded.ts';
import { recorded, searchRefusals } from './chat-template-parity-v1/refusals.ts';
import { plants } from './kit/claims/plants.ts';

const isRendered = ({ expected }: Rendering): boolean => expected !== null;
const isRefused = ({ expected }: Rendering): boolean => expected === null;

/** Recorded renderings, by claim. */
const FAMILY_CASES = 857;
const RENDERED_SNIPPETS = 1416;
const REFUSED_CASES = 376;

const GIVEN = Object.fromEntries(Object.entries(NAMES).map(([name, { given }]) => [name, given]));

async function searchExpressions(context: PartContext): Promise<void> {
  await context.search(expressions, context.planned, (expression) => {
    const source = `{{ ${expression.source} }}`;
    const ours = render({ source, messages: [], addGenerationPrompt: false, variables: GIVEN });
    return ours === printed(expression) ? 0 : 1;
  });
}

/** Of what Jinja2 renders: so few may be refused by name, as a share of the recorded snippets. */
const MAX_REFUSED = 0.02;

/** What Jinja2 refuses is refused; what it renders is rendered, or refused by name and then counted. */
async function compareRefusals(context: PartContext): Promise<void> {
  const all = await recorded(context);
  compare(context, all.filter(isRefused), 'exact');
  const ours = all.filter(isRendered).filter((one) => render(one) === null);
  const share = ours.length / all.length;
  context.measure(share <= MAX_REFUSED ? 0 : 1, `${ours.length} of ${all.length} are refused by us alone`);
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-CHATPAR-001': {
    parts: {
      generated: { planned: 1500, run: searchConversations },
      live: { needs: ['model:sums-2m'], planned: live.FAMILIES_ASKED, run: live.askFamilies },
      oracle: {
        planned: FAMILY_CASES,
        run: async (context) => compare(context, await families(context), 'exact'),
      },
    },
    faults: plants`
      src/engine/text/chat-template/lexer.ts
      gross chatpar-line-end-stays: the line end after a block tag stays
      - |%\\\\}\\\\n?\`, 'y');
      + |%\\\\}\`, 'y');
      src/engine/text/chat-template/json.ts
      small chatpar-json-without-space: no space after a comma in JSON
      - isIndented ? ',' : ', '
      + isIndented ? ',' : ','
      src/engine/text/chat-template/interpreter.ts
      small chatpar-continue-ends in oracle: continue ends the loop
      - if (jump === 'Break') break;
      + if (jump !== null) break;
      src/engine/text/chat-template.ts
      small chatpar-tools-undefined in oracle: absent tools are undefined
      - tools: null,
      + tools: undefined,
      src/engine/text/chat-template/to-value.ts
      small chatpar-one-name-for-thoughts in oracle: thoughts are passed on under the name that they came with
      - { thinking: reasoning, ...message }
      + { ...message }
    `,
  },

  'FALSIFY-CHATPAR-002': {
    parts: {
      generated: { planned: 3000, run: searchExpressions },
      live: { needs: ['model:sums-2m'], planned: live.EXPRESSIONS_ASKED, run: live.askExpressions },
      oracle: {
        planned: RENDERED_SNIPPETS,
        run: async (context) => {
          for (const name of ['expressions', 'generated'] as const) {
            compare(context, (await snippets(context, name)).filter(isRendered), 'or-refused');
          }
        },
      },
    },
    faults: plants`
      src/engine/text/chat-template/python-text.ts
      gross chatpar-json-booleans: true is printed for True
      - return value ? 'True' : 'False';
      + return value ? 'true' : 'false';
      small chatpar-quotes: a text with both quotes is quoted in the wrong ones
      - text.includes("'") && !text.includes('"')
      + text.includes("'")
      src/engine/text/chat-template/operators.ts
      small chatpar-remainder-sign: a remainder has the sign of what is divided
      - if (operator === '%') return isBelow ? remainder + y : remainder;
      + if (operator === '%') return remainder;
      src/engine/text/chat-template/unicode.ts
      small chatpar-white-space: separators of Python alone are no white space
      - \\\\t-\\\\r\\\\x1c-\\\\x20
      + \\\\t-\\\\r\\\\x20
      small chatpar-utf16-length: a length counts halves of surrogate pairs
      - if (!hasAstral(text)) return text.length;
      + if (text !== '') return text.length;
      src/engine/text/chat-template/lexer.ts
      small chatpar-first-line-stays in oracle: white space before a block tag stays where it starts the template
      - line > 0 || this.#isLineStart;
      + line > 0;
    `,
  },

  'FALSIFY-CHATPAR-003': {
    parts: {
      generated: { planned: 800, run: searchRefusals },
      live: { needs: ['model:sums-2m'], planned: live.REFUSALS_ASKED, run: live.askRefusals },
      oracle: { planned: REFUSED_CASES + 1, run: compareRefusals },
    },
    faults: plants`
      src/engine/text/chat-template/attributes.ts
      gross chatpar-undefined-all-the-way: what is not there has attributes
      - if (object instanceof Undefined) return object.attribute();
      + if (object instanceof Undefined) return object;
      src/engine/text/chat-template/operators.ts
      small chatpar-modulo-by-zero: the remainder of a division by zero is zero
      - if (y === 0n) return raise('ZeroDivisionError', 'integer division or modulo by zero');
      + if (y === 0n) return 0n;
      src/engine/text/chat-template/interpreter.ts
      small chatpar-unpacks-more in oracle: items that there is no name for are dropped
      - if (items.length !== target.value.length)
      + if (items.length < target.value.length)
      src/engine/text/chat-template/check.ts
      small chatpar-unknown-when-reached in oracle: an unknown filter is looked for when it is reached
      - if (prefix === undefined && !isFilter(name))
      + if (prefix === undefined && name === '')
    `,
  },
};
