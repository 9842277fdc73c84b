//! The files in which Amazon's own tools keep profiles.

use std::collections::BTreeMap;

/// The settings of one profile in such a file; `None` if the file has no such profile.
///
/// In `~/.aws/credentials` a section is named as the profile, in `~/.aws/config` it may be
/// `[profile name]`. Indented lines belong to nested settings, which are not needed here.
pub(super) fn section(text: &str, profile: &str) -> Option<BTreeMap<String, String>> {
    let mut found = None;
    let mut inside = false;
    for line in text.lines() {
        let starts_here = !line.starts_with(char::is_whitespace);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.split(']').next()) {
            let name = name.trim();
            let name = name.strip_prefix("profile ").map_or(name, str::trim);
            inside = name == profile;
            if inside {
                found.get_or_insert_with(BTreeMap::new);
            }
        } else if let (true, true, Some((key, value))) = (inside, starts_here, line.split_once('='))
        {
            let key = key.trim().to_ascii_lowercase();
            let settings = found.get_or_insert_with(BTreeMap::new);
            settings.insert(key, value.trim().to_string());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
# a comment
[default]
aws_access_key_id = ONE
aws_secret_access_key=a=b/c+d==
s3 =
    addressing_style = path
[profile other]
AWS_ACCESS_KEY_ID= TWO
region = eu-central-1
; the end
";

    #[test]
    fn a_profile_is_found_with_its_settings() {
        let default = section(FILE, "default").expect("there");
        assert_eq!(default["aws_access_key_id"], "ONE");
        assert_eq!(default["aws_secret_access_key"], "a=b/c+d==");
        assert!(!default.contains_key("addressing_style"));
        let other = section(FILE, "other").expect("there");
        assert_eq!(other["aws_access_key_id"], "TWO");
        assert_eq!(other["region"], "eu-central-1");
        assert_eq!(section(FILE, "third"), None);
    }
}
