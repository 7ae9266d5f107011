// Show a mobile number or an e-mail address where it stands masked. Without script, it has a page of its own.
for (const form of document.querySelectorAll("form.reveal")) {
  const value = form.querySelector("[data-masked]");
  const note = form.querySelector("[data-note]");
  const button = form.querySelector("button");
  const [label, show] = [button.querySelector("[data-hide]"), button.querySelector("[data-hide]").textContent];
  const masked = value.textContent;

  const toggle = (text, isShown) => {
    value.textContent = text;
    label.textContent = isShown ? label.dataset.hide : show;
    note.hidden = !isShown;
    button.setAttribute("aria-expanded", isShown);
  };

  async function reveal() {
    const body = new FormData(form);
    body.append(button.name, button.value);
    const answer = await fetch(form.action, { method: "POST", credentials: "same-origin", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const whole = page.querySelector(".revealed");
    if (!answer.ok || !whole) throw new Error(answer.status);
    toggle(whole.textContent, true);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!note.hidden) return toggle(masked, false);
    const field = Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value });
    return reveal().catch(() => {
      form.append(field); // the page of its own tells what is wrong
      form.submit();
    });
  });
}
