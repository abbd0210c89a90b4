/** A script as its text, by the bundler. */
declare module "*.lua" {
  const text: string;
  export default text;
}
