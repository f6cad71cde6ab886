// Loads a page again that the browser shows from a copy of its own, if the session is another one by now.
//
//   <script src="/pageshow.js" data-check="/session-state" data-state="…"></script>
//
// `data-state` is what the address `data-check` answered, as text, when the page was made.
(() => {
  const { check, state = "" } = document.currentScript.dataset;
  addEventListener("pageshow", async (event) => {
    const way = performance.getEntriesByType("navigation")[0]?.type;
    if (!event.persisted && way !== "back_forward") return;
    // Not to be seen until it is known whose page it is.
    document.documentElement.hidden = true;
    try {
      const answer = await fetch(check, { cache: "no-store" });
      if (answer.ok && (await answer.text()) === state) {
        document.documentElement.hidden = false;
        return;
      }
    } catch {
      // Without a network the page cannot be loaded again either; the browser then shows an error of its own.
    }
    location.reload();
  });
})();
