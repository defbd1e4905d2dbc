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
    `,
  },

  'FALSIFY-CHATPAR-003': {
    parts: {
      generated: { planned: 800, run: searchRefusals },
      live: { needs: ['model:sums-2m'], planned: live.REFUSALS_ASKED, run: live.askRefusals },
      oracle: { planned: REFUSED_CASES + 1, run: compareRefusals },
    },
    faults: plants`
    `,
  },
};
