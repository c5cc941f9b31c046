export type About = {
  version: string;
  build_sha: string;
  build_date: string;
  licence: string;
  third_party: string;
};
