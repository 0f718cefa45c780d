// Package crash kills the real binary in the middle of its work, over and over, and checks that nothing which was
// acknowledged is lost and nothing is done twice. All of it is in the tests.
package crash
