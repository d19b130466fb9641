export { type PlacementNode, placeCopies, rankNodes } from "./placement.ts";
