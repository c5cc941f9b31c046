//! What the rules about when to serve say, and which of them somebody has overruled: until they do not say it any more.

use crate::serve::Reason;

/// The rules that say no.
#[derive(Debug, Default)]
pub(super) struct Rules {
    reasons: Vec<Reason>,
    overruled: Vec<Reason>,
}

impl Rules {
    /// What they say now. One that said something else meanwhile is not overruled any more.
    pub(super) fn say(&mut self, reasons: Vec<Reason>) {
        self.overruled.retain(|known| reasons.iter().any(|reason| reason.is_of_the_same_rule(known)));
        self.reasons = reasons;
    }

    /// Somebody wants to serve although they say no.
    pub(super) fn overrule(&mut self) {
        self.overruled.clone_from(&self.reasons);
    }

    /// What counts.
    pub(super) fn reason(&self) -> Option<&Reason> {
        let counts = |reason: &&Reason| !self.overruled.iter().any(|known| known.is_of_the_same_rule(reason));
        self.reasons.iter().find(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str) -> Reason {
        Reason::Program(name.to_owned())
    }

    #[test]
    fn a_rule_is_overruled_until_it_does_not_apply_any_more() {
        let mut rules = Rules::default();
        rules.say(vec![Reason::BatteryLow(18)]);
        assert_eq!(rules.reason(), Some(&Reason::BatteryLow(18)));
        rules.overrule();
        assert_eq!(rules.reason(), None);
        rules.say(vec![Reason::BatteryLow(17)]);
        assert_eq!(rules.reason(), None, "the same rule in other words");
        rules.say(Vec::new());
        rules.say(vec![Reason::BatteryLow(17)]);
        assert_eq!(rules.reason(), Some(&Reason::BatteryLow(17)), "once more");
    }

    #[test]
    fn another_rule_was_not_overruled() {
        let mut rules = Rules::default();
        rules.say(vec![Reason::OnBattery, program("a")]);
        rules.overrule();
        assert_eq!(rules.reason(), None, "both were");
        rules.say(vec![Reason::OnBattery, program("a"), program("b")]);
        assert_eq!(rules.reason(), Some(&program("b")));
        rules.overrule();
        rules.say(vec![program("b")]);
        rules.say(vec![program("a"), program("b")]);
        assert_eq!(rules.reason(), Some(&program("a")), "it had ended meanwhile");
    }
}
