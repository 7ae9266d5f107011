// The page that waits for an administrator's approval: it asks for the state while people look at it, and signs in once
// they are approved.

(() => {
  const waiting = document.querySelector("#waiting");
  const EVERY = 10000; // ms between two questions
  const LONGEST = 30 * 60 * 1000; // ms; the portal lets nobody wait for longer
  const began = Date.now();
  let timer = null;
  let over = false;
  let asking = false;

  const say = (state) => {
    waiting.querySelectorAll("[data-when]").forEach((part) => { part.hidden = part.dataset.when !== state; });
  };

  function end() {
    over = true;
    waiting.hidden = true;
    document.querySelector("#ended").hidden = false;
  }

  function signIn() {
    over = true;
    say("approved");
    document.querySelector("#approved").submit();
  }

  async function fetchState() {
    const answer = await fetch(waiting.dataset.ask, { credentials: "same-origin", cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return (await answer.json()).state;
  }

  const plan = () => {
    clearTimeout(timer);
    if (!over && document.visibilityState === "visible") timer = setTimeout(ask, EVERY);
  };

  async function ask() {
    if (over || asking) return;
    if (Date.now() - began > LONGEST) return end();
    asking = true;
    try {
      const state = await fetchState();
      say("asking");
      if (state === "approved") return signIn();
      if (state === "refused") return location.reload();
      if (state === "none") return end();
    } catch {
      say("lost");
    } finally {
      asking = false;
    }
    plan();
  }

  document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? ask() : plan()));
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  say("asking");
  plan();
})();
