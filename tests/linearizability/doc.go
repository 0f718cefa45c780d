// Package linearizability checks that two servers on one ledger answer as one would that does one thing after the other: clients
// record what they asked for and what was answered, and porcupine looks for an order of it that explains every answer.
//
// Meanwhile connections are cut and an instance is killed, started again and paused, so that many an answer is lost. Programs
// with a mutation are checked as well, to show that the check finds it.
package linearizability
