// "/" and Ctrl-K lead to the search. On its own page, results appear while one types. Without script, it is a form.
(() => {
  const PAUSE = 250; // ms without a key
  const field = document.querySelector("[data-find]");
  const isTyping = (target) => target.isContentEditable || target.matches("input, textarea, select");

  const hint = field.parentElement.querySelector("kbd");
  if (hint) hint.hidden = false;
  document.addEventListener("keydown", (event) => {
    const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
    const control = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k";
    if (!slash && !control) return;
    event.preventDefault();
    field.focus();
    field.select();
  });

  const results = document.querySelector("#results");
  let timer, request;

  async function refresh() {
    if (request) request.abort();
    request = new AbortController();
    const address = new URL(field.form.action);
    address.searchParams.set("q", field.value);
    document.querySelector("#results").setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { credentials: "same-origin", signal: request.signal });
      if (!answer.ok || answer.redirected) return field.form.submit();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.querySelector("#results").replaceWith(document.adoptNode(fresh.querySelector("#results")));
      document.querySelector("#found").textContent = fresh.querySelector("#found").textContent;
      history.replaceState(null, "", address);
    } catch (error) {
      // Another key came meanwhile, or the connection is lost for a moment: the form still works.
      if (error.name !== "AbortError") document.querySelector("#results").removeAttribute("aria-busy");
    }
  }

  if (results) {
    const ask = (event) => {
      clearTimeout(timer);
      if (!event.isComposing) timer = setTimeout(refresh, PAUSE); // not the letters on the way to a Chinese word
    };
    field.addEventListener("input", ask);
    field.addEventListener("compositionend", ask);
  }
})();
