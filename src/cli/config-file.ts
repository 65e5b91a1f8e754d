/** Which config file a command means. */

/** The one named by `--config`, else `$SLUICE_CONFIG`, else config/proxy.yml in the current folder. */
export function chooseConfigFile(flag: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  return flag ?? (env['SLUICE_CONFIG'] || 'config/proxy.yml');
}
