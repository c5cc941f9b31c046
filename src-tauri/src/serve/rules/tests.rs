//! Rules from files and forms.

use super::*;

fn read(yaml: &str) -> Result<Rules, String> {
    serde_saphyr::from_str(yaml).map_err(|error| error.to_string())
}

#[test]
fn rules_are_written_and_read() {
    let rules = read(
        "on_battery: above\nbattery_low: 15\nbattery_high: 90\npause_in_battery_saver: true\nonly_in_hours: true\n\
         days: [sun, fri]\nfrom: 22:30\nto: '06:00'\npause_while: [steam, blender.exe]\n",
    )
    .unwrap();
    assert_eq!(rules.battery(), (OnBattery::Above, 15, 90));
    assert!(rules.pause_in_battery_saver && rules.only_in_hours && rules.needs_power());
    assert_eq!(rules.hours.days, [Day::Fri, Day::Sun]);
    assert_eq!(
        (format_time(rules.hours.from), format_time(rules.hours.to)),
        ("22:30".to_owned(), "06:00".to_owned())
    );
    assert_eq!(rules.pause_while, ["steam", "blender.exe"]);
    assert_eq!(read(&serde_saphyr::to_string(&rules).unwrap()).unwrap(), rules);
    assert_eq!(Rules::from_form(&rules.form()).unwrap(), rules);
}

#[test]
fn nothing_is_watched_by_default() {
    let rules = read("battery_low: 30\n").unwrap();
    assert!(!rules.needs_power() && !rules.only_in_hours && rules.pause_while.is_empty());
    assert_eq!(Rules { battery_low: 20, ..rules }, Rules::default());
    assert_eq!(Rules::from_form(&Rules::default().form()).unwrap(), Rules::default());
}

#[test]
fn an_invalid_field_is_reported() {
    let check = |change: fn(&mut ServeForm), field: &str, why: &str| {
        let mut form = Rules::default().form();
        change(&mut form);
        let mistake = Rules::from_form(&form).unwrap_err();
        assert!(mistake.field == field && mistake.why.contains(why), "{mistake}");
        let problem = Problem::from(mistake);
        assert_eq!(problem.field.as_deref(), Some(field));
    };
    check(|form| form.battery_low = "0".into(), "battery_low", "1 to 99");
    check(|form| form.battery_low = "few".into(), "battery_low", "Enter a number");
    check(|form| form.battery_low = "-3".into(), "battery_low", "Enter a number");
    check(|form| form.battery_low = "50".into(), "battery_high", "above the lower limit");
    check(|form| form.battery_high = "101".into(), "battery_high", "at most 100");
    check(|form| form.battery_high = "999".into(), "battery_high", "1 to 100");
    check(|form| form.days = Vec::new(), "days", "at least one day");
    check(|form| form.from = "24:00".into(), "from", "23:59");
    check(|form| form.to = "noon".into(), "to", "23:59");
    check(|form| form.pause_while = "/usr/bin/steam".into(), "pause_while", "without folders");
    check(|form| form.pause_while = "a,".repeat(51), "pause_while", "at most 50");
}

#[test]
fn forms_are_read_leniently() {
    let mut form = Rules::default().form();
    form.battery_low = " 15 % ".into();
    (form.from, form.to) = ("9:05".into(), " 17:00 ".into());
    form.pause_while = "steam,, Blender.exe ,\nx".into();
    let rules = Rules::from_form(&form).unwrap();
    assert_eq!((rules.battery_low, format_time(rules.hours.from)), (15, "09:05".to_owned()));
    assert_eq!(rules.pause_while, ["steam", "Blender.exe", "x"]);
}

#[test]
fn an_invalid_file_names_the_field() {
    for (yaml, wanted) in
        [("battery_low: 70\n", "battery_high"), ("from: 25:00\n", "from"), ("days: []\n", "days")]
    {
        let error = read(yaml).unwrap_err();
        assert!(error.contains(wanted), "{error}");
    }
}
