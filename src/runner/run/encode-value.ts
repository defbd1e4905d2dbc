// A counterexample as JSON and back, without loss: NaN, -0, infinities, bigint, undefined and typed arrays keep their
// bits. Values that are more than data (functions, class instances) have no encoding, and null says so.

export type EncodedValue =
  | null
  | boolean
  | string
  | number
  | { $: string; v?: string }
  | { $: 'object'; v: { [key: string]: EncodedValue } }
  | { $: 'list'; v: EncodedValue[] };

const TYPED_ARRAYS = {
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const;

type TypedArrayName = keyof typeof TYPED_ARRAYS;

class NotData extends Error {}

/** null when the value is not plain data; then a case can only be found again by its path. */
export function encodeValue(value: unknown): EncodedValue | null {
  try {
    return { $: 'list', v: [encode(value)] };
  } catch (error) {
    if (error instanceof NotData || error instanceof RangeError) return null;
    throw error;
  }
}

/** The inverse of `encodeValue`. */
export function decodeValue(encoded: EncodedValue): unknown {
  const list = decode(encoded);
  if (!Array.isArray(list) || list.length !== 1) throw new TypeError('the stored case holds no single value');
  return list[0];
}

function encode(value: unknown): EncodedValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'undefined':
      return { $: 'undefined' };
    case 'bigint':
      return { $: 'bigint', v: String(value) };
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $: 'number', v: Object.is(value, -0) ? '-0' : String(value) };
    case 'object':
      return value === null ? null : encodeObject(value);
    case 'function':
    case 'symbol':
      throw new NotData();
  }
}

function encodeObject(value: object): EncodedValue {
  if (Array.isArray(value)) return { $: 'list', v: Array.from(value, encode) };
  if (ArrayBuffer.isView(value) && value.constructor.name in TYPED_ARRAYS) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { $: value.constructor.name, v: bytes.toString('base64') };
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw new NotData();
  return { $: 'object', v: Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, encode(entry)])) };
}

function decode(encoded: EncodedValue): unknown {
  if (encoded === null || typeof encoded !== 'object') return encoded;
  if (encoded.$ === 'list') return (encoded.v as EncodedValue[]).map(decode);
  if (encoded.$ === 'object') {
    const entries = Object.entries(encoded.v as Record<string, EncodedValue>);
    return Object.fromEntries(entries.map(([key, entry]) => [key, decode(entry)]));
  }
  const text = typeof encoded.v === 'string' ? encoded.v : '';
  switch (encoded.$) {
    case 'undefined':
      return undefined;
    case 'bigint':
      return BigInt(text);
    case 'number':
      return Number(text);
    default:
      return decodeTypedArray(encoded.$, text);
  }
}

function decodeTypedArray(name: string, base64: string): unknown {
  if (!(name in TYPED_ARRAYS)) throw new TypeError(`a stored case names the type ${name}, which does not exist`);
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64'));
  const constructor = TYPED_ARRAYS[name as TypedArrayName];
  return new constructor(bytes.buffer);
}
