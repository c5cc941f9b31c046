export type ServerTrial = { server_version: string; latency_ms: number; endpoint_url: string };
