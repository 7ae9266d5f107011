// A picture that can't be loaded is taken away, and the initial below it is seen.
const pictures = ".initial img";
addEventListener("error", (event) => {
  if (event.target instanceof Element && event.target.matches(pictures)) event.target.remove();
}, true);
for (const picture of document.querySelectorAll(pictures)) {
  if (picture.complete && picture.naturalWidth === 0) picture.remove();
}
