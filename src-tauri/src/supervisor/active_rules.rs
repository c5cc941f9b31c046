//! The sharing rules that apply, and which of them the user has overridden. An override lasts until its rule has stopped applying.

use crate::serve::Reason;

/// The rules that apply.
#[derive(Debug, Default)]
pub(super) struct ActiveRules {
    reasons: Vec<Reason>,
    overridden: Vec<Reason>,
}

impl ActiveRules {
    /// Sets the rules that apply now. The override of a rule that no longer applies ends.
    pub(super) fn update(&mut self, reasons: Vec<Reason>) {
        self.overridden.retain(|known| reasons.iter().any(|reason| reason.is_of_the_same_rule(known)));
        self.reasons = reasons;
    }

    /// Overrides all rules that apply now.
    pub(super) fn override_all(&mut self) {
        self.overridden.clone_from(&self.reasons);
    }

    /// The first rule that applies and is not overridden.
    pub(super) fn reason(&self) -> Option<&Reason> {
        let is_effective =
            |reason: &&Reason| !self.overridden.iter().any(|known| known.is_of_the_same_rule(reason));
        self.reasons.iter().find(is_effective)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str) -> Reason {
        Reason::Program(name.to_owned())
    }

    #[test]
    fn a_rule_is_overridden_until_it_stops_applying() {
        let mut rules = ActiveRules::default();
        rules.update(vec![Reason::BatteryLow(18)]);
        assert_eq!(rules.reason(), Some(&Reason::BatteryLow(18)));
        rules.override_all();
        assert_eq!(rules.reason(), None);
        rules.update(vec![Reason::BatteryLow(17)]);
        assert_eq!(rules.reason(), None, "the same rule with another number");
        rules.update(Vec::new());
        rules.update(vec![Reason::BatteryLow(17)]);
        assert_eq!(rules.reason(), Some(&Reason::BatteryLow(17)), "it applies again");
    }

    #[test]
    fn another_rule_was_not_overridden() {
        let mut rules = ActiveRules::default();
        rules.update(vec![Reason::OnBattery, program("a")]);
        rules.override_all();
        assert_eq!(rules.reason(), None, "both were");
        rules.update(vec![Reason::OnBattery, program("a"), program("b")]);
        assert_eq!(rules.reason(), Some(&program("b")));
        rules.override_all();
        rules.update(vec![program("b")]);
        rules.update(vec![program("a"), program("b")]);
        assert_eq!(rules.reason(), Some(&program("a")), "its override has ended");
    }
}
