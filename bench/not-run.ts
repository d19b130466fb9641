/** Where a peer can not be had on this machine; the message is the reason that the table gives. */
export class NotRun extends Error {}
