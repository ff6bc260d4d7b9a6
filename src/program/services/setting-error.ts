/** A setting of a service that cannot be. */
export class SettingError extends RangeError {
  override readonly name: string = 'SettingError';
  /** The setting's name in the settings object. */
  readonly setting: string;
  /** What is wrong, to stand behind the name. */
  readonly problem: string;

  constructor(setting: string, problem: string) {
    super(`${setting} ${problem}`);
    this.setting = setting;
    this.problem = problem;
  }
}
