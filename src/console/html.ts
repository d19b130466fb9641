// The console's one way to make what is shown. Elements are written as templates; components are called with `h`, because a template
// can not check what it passes to them.

import htm from "./vendor/htm.js";
import { h, type VNode } from "./vendor/preact.js";

export type View = VNode | null;
/** What may stand inside an element: views, text, numbers, and lists of them. */
export type Content = VNode | string | number | null | undefined | false | readonly Content[];

export { h };
export const html: (strings: TemplateStringsArray, ...values: unknown[]) => VNode = htm.bind<VNode>(h);
