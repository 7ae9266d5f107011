// Refresh the list of syncs while one is running. When it ends, reload the page.
(() => {
  const INTERVAL = 1000; // ms

  async function refresh() {
    const runs = document.querySelector("#runs");
    if (!runs || runs.dataset.moving !== "yes") return;
    if (!document.hidden) {
      try {
        const answer = await fetch("/admin/directory/runs", { credentials: "same-origin" });
        if (!answer.ok) return location.reload();
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#runs");
        if (fresh.dataset.moving !== "yes") return location.reload();
        runs.replaceWith(document.adoptNode(fresh));
      } catch {
        // The connection is lost for a moment: the next refresh tries again.
      }
    }
    setTimeout(refresh, INTERVAL);
  }
  setTimeout(refresh, INTERVAL);
})();
