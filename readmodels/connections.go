package readmodels

// The bounds of [MaxConnections].
const (
	DefaultConnections = postgresConnections // when the option is not given
	MinConnections     = minConnections
)
