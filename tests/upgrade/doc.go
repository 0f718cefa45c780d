// Package upgrade keeps ledgers that earlier versions of the program wrote, together with what these versions answered, and compares
// what the program answers on them now. Program make writes such a fixture with a given binary.
package upgrade
