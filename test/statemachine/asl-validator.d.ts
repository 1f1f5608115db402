// The package comes without types. Source: its README, "From code".
declare module 'asl-validator' {
  export default function validate(definition: object): {
    isValid: boolean;
    /** The errors, a line each. */
    errorsText(separator?: string): string;
  };
}
