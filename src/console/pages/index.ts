import { h, html, type View } from "../html.ts";
import { type Route, routeHref } from "../model/route.ts";
import { Page } from "../ui/page.ts";
import { BucketPage } from "./bucket.ts";
import { BucketsPage } from "./buckets.ts";
import { ClusterPage } from "./cluster.ts";
import { DecisionPage } from "./decision.ts";
import { EventsPage } from "./events.ts";
import { IdsPage } from "./ids.ts";
import { ObjectPage } from "./object.ts";
import { ObjectsPage } from "./objects.ts";
import { OverviewPage } from "./overview.ts";
import { NewPolicyPage, PoliciesPage } from "./policies.ts";
import { PolicyPage } from "./policy.ts";
import { SimLoader } from "./sim/loader.ts";
import { UserPage } from "./user.ts";
import { UsersPage } from "./users.ts";

export { LoginPage } from "./login.ts";

/** The page of an address. Its key is the address, so nothing typed on one page shows up on another. */
export function pageOf(route: Route): View {
  const key = routeHref(route);
  switch (route.page) {
    case "overview":
      return h(OverviewPage, { key, route });
    case "buckets":
      return h(BucketsPage, { key, route });
    case "objects":
      return h(ObjectsPage, { key, route });
    case "object":
      return h(ObjectPage, { key, route });
    case "bucket":
      return h(BucketPage, { key, route });
    case "users":
      return h(UsersPage, { key, route });
    case "user":
      return h(UserPage, { key, route });
    case "policies":
      return h(PoliciesPage, { key, route });
    case "policy":
      return h(PolicyPage, { key, route });
    case "new-policy":
      return h(NewPolicyPage, { key, route });
    case "decision":
      return h(DecisionPage, { key, route });
    case "events":
      return h(EventsPage, { key, route });
    case "cluster":
      return h(ClusterPage, { key, route });
    case "ids":
      return h(IdsPage, { key, route });
    case "sim":
      return h(SimLoader, { key, route });
    case "missing":
      return h(Page, {
        key,
        route,
        title: "There is no such page",
        content: html`<p><a href="/app/">Go to the overview</a></p>`,
      });
  }
}
