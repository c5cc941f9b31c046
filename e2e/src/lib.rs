//! Whole-system tests and their fakes.
