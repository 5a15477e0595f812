//! Invented UK families.
