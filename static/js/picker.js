// Show the results of a search while it is typed: the same page, asked for again. Without script, the form does that.
(() => {
  const DELAY = 250; // ms after the last key
  const form = document.querySelector("[data-picker]");
  const count = document.querySelector("#results-count");
  let timer, asked;

  async function search() {
    const results = document.querySelector(`#${form.dataset.picker}`);
    const address = `${location.pathname}?${new URLSearchParams(new FormData(form))}`;
    if (asked) asked.abort();
    asked = new AbortController();
    results.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { credentials: "same-origin", signal: asked.signal });
      if (!answer.ok || answer.redirected) return form.submit();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      results.replaceWith(document.adoptNode(page.querySelector(`#${form.dataset.picker}`)));
      count.textContent = page.querySelector("#results-count").textContent;
      history.replaceState(null, "", address);
    } catch (error) {
      if (error.name !== "AbortError") results.removeAttribute("aria-busy"); // the next key, or the button, tries again
    }
  }

  if (form && count) {
    const ask = (event) => {
      clearTimeout(timer);
      if (!event.isComposing) timer = setTimeout(search, DELAY); // not the letters on the way to a Chinese word
    };
    form.addEventListener("input", ask);
    form.addEventListener("compositionend", ask);
  }
})();
