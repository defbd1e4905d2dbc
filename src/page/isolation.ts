// Shared memory in a page: there where the host sends two headers, or after one reload with a service worker that adds
// them. What is left without it is said.

/** Kept over the reload, so that a browser that does not isolate is not reloaded for ever. */
const TRIED = 'refute-isolation-tried';

/** @returns null where the page is isolated, or is about to be; else why not, in a sentence */
export async function isolate(): Promise<string | null> {
  if (crossOriginIsolated) return null;
  const why = await startServiceWorker();
  if (why === null) {
    sessionStorage.setItem(TRIED, 'yes');
    location.reload();
    return null;
  }
  return (
    `E_CROSS_ORIGIN_ISOLATION: this page has no shared memory, in which the CPU engine works and weights are decoded: ${why}. ` +
    'What still works: the adapter with its limits, and the header of a model file. To have it all, serve the page over https or ' +
    'from localhost, outside a frame, with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.'
  );
}

/** @returns null: it is active, and a reload will go through it */
async function startServiceWorker(): Promise<string | null> {
  if (!isSecureContext) return 'the page comes over http, where browsers give neither service workers nor WebGPU';
  if (!('serviceWorker' in navigator)) return 'the host does not isolate it, and this browser has no service workers';
  if (sessionStorage.getItem(TRIED) !== null) return 'the host does not isolate it, and a service worker did not help';
  try {
    const { installing, waiting, active } = await navigator.serviceWorker.register('service-worker.js');
    const worker = installing ?? waiting ?? active;
    if (worker !== null && (await isActivated(worker))) return null;
  } catch {
    // As below.
  }
  return 'the host does not isolate it, and its service worker may not start';
}

function isActivated(worker: ServiceWorker): Promise<boolean> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (worker.state === 'activated' || worker.state === 'redundant') resolve(worker.state === 'activated');
    };
    worker.addEventListener('statechange', look);
    look();
  });
}
