// Keep the syncs on the page moving while one is under way; at its end the whole page is shown anew.
const EVERY = 1000; // milliseconds

async function look() {
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
      // The connection is lost for a moment: the next look will tell.
    }
  }
  setTimeout(look, EVERY);
}
setTimeout(look, EVERY);
