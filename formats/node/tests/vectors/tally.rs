//! Counts what was reproduced.

use cloakroom_node::cookie::{Attributes, Priority, SameSite};
use cloakroom_node::date;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Debug;

/// Why a vector was not reproduced.
pub(crate) enum Miss {
    /// On purpose.
    Exception(&'static str),
    Wrong(String),
}

pub(crate) type Outcome = Result<(), Miss>;

#[derive(Default)]
pub(crate) struct Tally {
    sections: Vec<Section>,
}

struct Section {
    name: String,
    reproduced: usize,
    exceptions: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Tally {
    /// Judges each vector of a list.
    pub(crate) fn section(&mut self, name: &str, list: &Value, judge: impl Fn(&Value) -> Outcome) {
        let mut section =
            Section { name: name.to_owned(), reproduced: 0, exceptions: BTreeMap::new(), wrong: Vec::new() };
        let list = list.as_array().unwrap_or_else(|| panic!("{name} is not a list"));
        assert!(!list.is_empty(), "{name} is empty");
        for (index, vector) in list.iter().enumerate() {
            match judge(vector) {
                Ok(()) => section.reproduced += 1,
                Err(Miss::Exception(reason)) => *section.exceptions.entry(reason).or_default() += 1,
                Err(Miss::Wrong(what)) => section.wrong.push(format!("{index} ({}): {what}", vector["case"])),
            }
        }
        self.sections.push(section);
    }

    pub(crate) fn finish(&self) {
        let mut total = [0; 3];
        for Section { name, reproduced, exceptions, wrong } in &self.sections {
            let excepted = exceptions.values().sum::<usize>();
            let all = reproduced + excepted + wrong.len();
            println!("{name}: {reproduced} of {all} reproduced, {excepted} exceptions");
            exceptions.iter().for_each(|(reason, count)| println!("    {count}: {reason}"));
            wrong.iter().for_each(|what| println!("    WRONG {what}"));
            total[0] += reproduced;
            total[1] += all;
            total[2] += excepted;
        }
        println!("all: {} of {} reproduced, {} exceptions", total[0], total[1], total[2]);
        let wrong = self.sections.iter().map(|section| section.wrong.len()).sum::<usize>();
        assert_eq!(wrong, 0, "vectors that were not reproduced are listed above");
    }
}

/// Compares what came out with what the package gave.
#[expect(clippy::needless_pass_by_value, reason = "values that were made for the comparison")]
pub(crate) fn same<T: PartialEq<U> + Debug, U: Debug>(what: &str, got: T, expected: U) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(Miss::Wrong(format!("{what}\n        got      {got:?}\n        expected {expected:?}")))
}

pub(crate) fn text<'v>(vector: &'v Value, key: &str) -> &'v str {
    vector[key].as_str().unwrap_or_else(|| panic!("no {key} in {vector}"))
}

pub(crate) fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A secret, or a list of them.
pub(crate) fn secrets(value: &Value) -> Vec<String> {
    value.as_str().map_or_else(|| texts(value), |secret| vec![secret.to_owned()])
}

pub(crate) const NOW: i64 = 1_767_225_600_000;

/// The option `cookie` of a package.
pub(crate) fn attributes(options: &Value) -> Attributes {
    let text = |key: &str| options[key].as_str();
    Attributes {
        max_age: options["maxAge"].as_i64().or_else(|| options["maxage"].as_i64()),
        expires: text("expires").and_then(date::parse),
        http_only: options["httpOnly"].as_bool().unwrap_or(true),
        path: Some(text("path").unwrap_or("/").to_owned()),
        domain: text("domain").map(Into::into),
        secure: options["secure"].as_bool(),
        same_site: text("sameSite").and_then(SameSite::parse),
        partitioned: options["partitioned"].as_bool(),
        priority: text("priority").and_then(Priority::parse),
    }
}

/// The options that the vectors call by a name.
pub(crate) fn named_attributes(name: &str) -> Attributes {
    let day = 86_400_000;
    let plain = Attributes::default();
    match name {
        "none" => plain,
        "hour" => Attributes { max_age: Some(3_600_000), ..plain },
        "frac" => Attributes { max_age: Some(3_600_500), ..plain },
        "neg" => Attributes { max_age: Some(-1000), ..plain },
        "days40" => Attributes { max_age: Some(40 * day), ..plain },
        "expiresDate" => Attributes { expires: Some(NOW + 7_200_000), ..plain },
        "full" => Attributes {
            max_age: Some(day),
            domain: Some("example.com".to_owned()),
            same_site: Some(SameSite::Lax),
            secure: Some(false),
            priority: Some(Priority::High),
            partitioned: Some(false),
            ..plain
        },
        other => panic!("no options called {other}"),
    }
}
