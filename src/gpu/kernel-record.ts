// What a device was given to compile: the digest by which a kept verdict knows the engine that it is about, in Node and
// in a page.

export class KernelRecord {
  readonly #texts = new Set<string>();

  /** From here on; the device is used as before. */
  constructor(device: GPUDevice) {
    const compile = device.createShaderModule.bind(device);
    device.createShaderModule = (descriptor) => {
      this.#texts.add(descriptor.code);
      return compile(descriptor);
    };
  }

  /**
   * Order of compilation does not matter.
   *
   * @param others what computes beside the kernels: profile, program, the code that dispatches
   * @returns SHA-256 in hex
   */
  async digest(...others: readonly string[]): Promise<string> {
    const bytes = new TextEncoder().encode(JSON.stringify([[...this.#texts].toSorted(), others]));
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}
