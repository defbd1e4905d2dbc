// How values out of a model file are written in tables: config values and metadata, hostile text made safe.
import type { ConfigValue, MetadataPreview } from '../../diagnosis/index.ts';
import type { Provenance } from '../../engine/index.ts';
import { countText, fileNumberText } from '../figures.ts';
import { plainText } from '../terminal.ts';

/** `none` for null: no sliding window, for one. */
export function configText(value: ConfigValue['value']): string {
  if (value === null) return 'none';
  return typeof value === 'number' ? fileNumberText(value) : plainText(String(value));
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
