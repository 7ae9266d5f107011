// A check takes some seconds. Its button says so, and can be pressed once.
(() => {
  function prepare(form) {
    const button = form.querySelector("button");
    const label = button.textContent;
    form.addEventListener("submit", (event) => {
      if (button.getAttribute("aria-disabled")) event.preventDefault();
      button.setAttribute("aria-disabled", "true");
      button.textContent = form.dataset.check;
    });
    window.addEventListener("pageshow", () => {
      button.removeAttribute("aria-disabled");
      button.textContent = label;
    });
  }
  document.querySelectorAll("form[data-check]").forEach(prepare);

  // Check all logins, one after the other. Each card shows its result as soon as it is there.
  const all = document.querySelector("[data-check-all]");
  if (all) {
    const label = all.textContent;
    all.hidden = false;
    all.addEventListener("click", async () => {
      if (all.getAttribute("aria-disabled")) return;
      all.setAttribute("aria-disabled", "true");
      const forms = [...document.querySelectorAll("form[data-check]")];
      for (const [index, form] of forms.entries()) {
        all.textContent = `${all.dataset.checkAll} ${index + 1} / ${forms.length}`;
        await check(form);
      }
      all.removeAttribute("aria-disabled");
      all.textContent = label;
    });
  }

  async function check(form) {
    const card = form.closest("section");
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (!answer.ok) return form.submit(); // the page of the failure says more
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = document.adoptNode(page.getElementById(card.id));
    for (const part of card.querySelectorAll(".examined, .element-head")) part.remove();
    card.prepend(...fresh.querySelectorAll(".element-head, .examined")); // the addresses stay, with their buttons
    prepare(card.querySelector("form[data-check]"));
  }
})();
