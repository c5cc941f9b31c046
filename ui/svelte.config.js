export default {
  compilerOptions: { runes: true },
  // A hint that is not heeded is an error.
  onwarn: (warning) => {
    throw new Error(`${warning.filename}:${warning.start?.line}: ${warning.message}`);
  },
};
