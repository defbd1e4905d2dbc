// How values out of a model file are written in tables: config values and metadata, hostile text made safe.
import type { ConfigValue, MetadataPreview } from '../../diagnosis/compare/index.ts';
import type { Provenance } from '../../engine/index.ts';
import { countText, fileNumberText } from '../figures.ts';
import { plainText } from '../terminal.ts';

/** `none` for null: no sliding window, for one. */
export function configText(value: ConfigValue['value']): string {
  if (value === null) return 'none';
  if (typeof value === 'number') return fileNumberText(value);
  // Lists of factors are as long as half a head; --json has them whole.
  return plainText(String(value).replaceAll(/\[([^\]]*)\]/g, (_, list: string) => `[${shortened(list)}]`));
}

const SHOWN_NUMBERS = 3;

function shortened(list: string): string {
  const numbers = list.split(',');
  const rest = numbers.length - SHOWN_NUMBERS;
  return rest > 1 ? `${numbers.slice(0, SHOWN_NUMBERS).join(',')}, … ${rest} more` : list;
}

/** `metadata: llama.block_count`. */
export function originText({ source, detail }: Provenance): string {
  return `${source}: ${plainText(detail)}`;
}

/** One line; `—` where the file has no such value. */
export function previewText(value: MetadataPreview | undefined): string {
  if (value === undefined) return '—';
  if (typeof value === 'number') return fileNumberText(value);
  if (typeof value !== 'object') return plainText(String(value));
  const more = value.elementCount > value.first.length ? ', …' : '';
  return `${countText(value.elementCount)} values: ${value.first.map(previewText).join(', ')}${more}`;
}
