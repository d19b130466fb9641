export const SESSION_OPERATIONS = [
  {
    name: "login",
    method: "POST",
    path: "/v1/session",
    summary: "Opens a session for the holder of an access key",
    notes: [
      "The session is a cookie (HttpOnly, SameSite=Strict) that ends when it is not used for an hour, and after 12 hours.",
      "Failed attempts make the next ones wait; `Retry-After` tells how long.",
    ],
    access: "public",
    body: {
      type: "object",
      properties: {
        accessKeyId: { type: "text", minLength: 1, maxLength: 128 },
        secret: { type: "text", minLength: 1, maxLength: 256 },
      },
    },
    reply: "Session",
  },
  {
    name: "getSession",
    method: "GET",
    path: "/v1/session",
    summary: "Says who the caller is",
    access: "signed in",
    reply: "Session",
  },
  {
    name: "logout",
    method: "DELETE",
    path: "/v1/session",
    summary: "Ends the caller's session",
    access: "signed in",
    reply: "none",
  },
  {
    name: "listSessions",
    method: "GET",
    path: "/v1/users/{user}/sessions",
    summary: "Lists a user's sessions, the oldest first",
    access: { action: "ashlar:ListSessions", on: "user" },
    reply: {
      type: "object",
      properties: {
        items: {
          type: "list",
          items: {
            title: "OpenSession",
            type: "object",
            properties: {
              id: "text",
              accessKeyId: "text",
              address: "text",
              userAgent: "text",
              createdAt: { type: "instant" },
              seenAt: { type: "instant" },
              expiresAt: { type: "instant" },
            },
          },
        },
      },
    },
  },
  {
    name: "revokeSession",
    method: "DELETE",
    path: "/v1/users/{user}/sessions/{session}",
    summary: "Ends one of a user's sessions",
    access: { action: "ashlar:RevokeSession", on: "user" },
    reply: "none",
    act: "Session of user {user} ended",
  },
] as const;
