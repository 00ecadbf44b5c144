// Package plan cuts clips into parts, each of which one GetClip call brings, from the times, lengths and sizes of the
// fragments that are listed. It makes no call and keeps nothing: the same listing makes the same plan. Payloads, their
// keys, and what a call really brought are package clip's.
//
//	Planner.Plan     a listing becomes parts, without what lies over older footage
//	Part             what one call asks for, and what is to come of it
//	Separate         what is served and what no call brings, with the gaps that the latter leaves
//	Running          the fragment that was running at an instant
package plan
