// Run the import step by step. When it needs a decision or is done, show that page.
const progress = document.querySelector("#progress");
const failure = document.querySelector("#stuck");
let form = document.querySelector("#step");
const step = async () => {
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
  if (!answer.ok) throw new Error(answer.status);
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!next.querySelector("#step")) return location.replace(answer.url);
  for (const part of ["progress", "#progress-words"]) {
    const [old, fresh] = [progress.querySelector(part), next.querySelector(`#progress ${part}`)];
    old.textContent = fresh.textContent;
    if (fresh.max) [old.value, old.max] = [fresh.value, fresh.max];
  }
  return step();
};
step().catch(() => { failure.hidden = false; });
