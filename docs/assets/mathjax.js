// Formulas in chapters. The script lies beside this one, with its glyphs inside it: no web font.
window.MathJax = {
  tex: { inlineMath: [["$", "$"], ["\\(", "\\)"]], processEnvironments: true, tags: "ams" },
  options: { skipHtmlTags: ["script", "style", "textarea", "pre", "code", "noscript"] },
};
(() => {
  const script = document.createElement("script");
  script.async = true;
  script.src = document.currentScript.src.replace("mathjax.js", "tex-svg-full.js");
  document.head.appendChild(script);
})();
