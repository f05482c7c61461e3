/** The version of the package; the bundler puts it in. */
declare const PACKAGE_VERSION: string

export const version: string = PACKAGE_VERSION
