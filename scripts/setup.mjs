// Runs before `npm start`, `npm test` and the like: installs the pinned dependencies (Node.js itself among them)
// whenever the lock file is not the one that was installed last. Plain JavaScript for the oldest Node that has npm.
import { fileURLToPath } from "node:url";
import { installLocked } from "./install-locked.mjs";

installLocked(fileURLToPath(new URL("..", import.meta.url)), {
  notice: "Installing the pinned dependencies (first start, or the lock file changed)...",
  flags: ["--include=dev"],
});
