/** What a join link says; the key in it stays with the app. */
export type JoinLink = { server_url: string; has_key: boolean };
