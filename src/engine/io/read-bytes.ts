// Reads a file that ships with the engine (a kernel, a shader), in Node and in a page. Models are read in ranges.

/** The whole content at `url`: `file:` through the file system, anything else by fetch. */
export async function readBytes(url: URL): Promise<Uint8Array<ArrayBuffer>> {
  if (url.protocol === 'file:') {
    // By name and not by import, so that a page's bundle holds none.
    const { readFile } = process.getBuiltinModule('node:fs/promises');
    return Uint8Array.from(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
