/**
 * The configuration as planners read it (OCI runtime-spec 1.3.0, config.md and config-linux.md), in OCI spelling; generated
 * from spec-schemas/config.json. Lists and maps are always there, maybe empty; so is every object all of whose members are
 * optional. Integers that the spec makes 64 bits wide are bigint, all others number. An empty optional string is absent, as
 * in runc. What stays optional does so because absence means something. Made only by parse-config.ts.
 */

export type * from '../../build/gen/config.ts'
