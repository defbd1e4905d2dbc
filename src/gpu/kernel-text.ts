// What a kernel's text says of itself: what it binds, by name, and what it is told of an op. So that who dispatches it binds
// by name, and a renamed binding is an error and no wrong buffer.

/** One `@group(0) @binding(n) var<…> name`. */
export interface Binding {
  binding: number;
  name: string;
  type: 'uniform' | 'storage' | 'read-only-storage';
}

/** One field of `struct Params`. */
export interface Param {
  name: string;
  type: 'u32' | 'f32';
}

export interface KernelText {
  bindings: readonly Binding[];
  params: readonly Param[];
  /** Whether it wants the number of lanes that add up a row. */
  hasLanes: boolean;
}

const KINDS: Readonly<Record<string, Binding['type']>> = {
  uniform: 'uniform',
  'storage, read': 'read-only-storage',
  'storage, read_write': 'storage',
};

export function kernelText(code: string): KernelText {
  const declared = [...code.matchAll(/^@group\(0\) @binding\((\d+)\) var<([^>]+)> (\w+):/gm)];
  const bindings = declared.map(([, binding, kind = '', name = '']) => {
    const type = KINDS[kind];
    if (type === undefined) throw new RangeError(`binding ${name} is of an unknown kind ${kind}`);
    return { binding: Number(binding), name, type };
  });
  const body = /struct Params \{([^}]*)\}/.exec(code)?.[1] ?? '';
  const params = [...body.matchAll(/^ *(\w+): (u32|f32),$/gm)].map(([, name = '', type]): Param => ({
    name,
    type: type === 'f32' ? 'f32' : 'u32',
  }));
  return { bindings, params, hasLanes: /^override LANES\b/m.test(code) };
}

/** As the struct lies in a uniform. @throws RangeError where a parameter has no value, a value no parameter, or a u32 no whole number below 2^32 */
export function paramBytes(params: readonly Param[], values: Readonly<Record<string, number>>): ArrayBuffer {
  const bytes = new ArrayBuffer(16 * Math.ceil(params.length / 4));
  const view = new DataView(bytes);
  const unknown = Object.keys(values).find((name) => !params.some((param) => param.name === name));
  if (unknown !== undefined) throw new RangeError(`the kernel has no parameter ${unknown}`);
  for (const [index, { name, type }] of params.entries()) {
    const value = values[name];
    if (value === undefined) throw new RangeError(`parameter ${name} has no value`);
    // A setter would keep the last 32 bits of anything.
    if (type === 'u32' && !(Number.isInteger(value) && value >= 0 && value < 2 ** 32)) {
      throw new RangeError(`parameter ${name} is ${value}`);
    }
    if (type === 'f32') view.setFloat32(4 * index, value, true);
    else view.setUint32(4 * index, value, true);
  }
  return bytes;
}
