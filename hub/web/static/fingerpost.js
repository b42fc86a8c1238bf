import { initAll } from "./govuk/govuk-frontend.min.js";

// The components look for this class; without JavaScript every page works as it stands.
document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();
