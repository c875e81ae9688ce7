//! Templates: texts that are written once and sent often, with `{{variables}}` for what differs.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    access::Caller,
    flow::MAX_BODY_CHARS,
    kernel::{
        batch::Batch,
        clock::Timestamp,
        decide::{Decision, Moment},
        error::{Error, FieldError},
        id::{OrgId, TemplateId},
        idempotency::{Answer, Remember},
        record::{get, record},
    },
};

use super::Sms;

record! {
    /// A text with places for what differs.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Template in "template" {
        /// Whose.
        key pub org: OrgId => "org_id",
        /// Which.
        key pub id: TemplateId => "id",
        /// Unique in the organization, 1 to 100 characters.
        column pub name: String => "name",
        /// The text; `{{first_name}}` stands for a variable.
        column pub body: String => "body",
        /// When it was made.
        fixed pub created_at: Timestamp => "created_at",
        /// When it was last changed.
        column pub updated_at: Timestamp => "updated_at",
        /// Store version.
        version pub version: i64 => "version",
    }
    unique { ["org_id", "name"] }
}

/// What people write of a template.
#[derive(Debug, Clone)]
pub struct TemplateDraft {
    /// Unique in the organization, 1 to 100 characters.
    pub name: String,
    /// 1 to 1,600 characters; `{{first_name}}` stands for a variable.
    pub body: String,
}

/// Changes; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct TemplatePatch {
    /// See [`TemplateDraft`].
    pub name: Option<String>,
    /// See [`TemplateDraft`].
    pub body: Option<String>,
}

/// A template to be sent, and what stands for its variables.
#[derive(Debug, Clone)]
pub struct TemplateUse {
    /// Which.
    pub id: TemplateId,
    /// One for each variable, and no other.
    pub variables: BTreeMap<String, String>,
}

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Variable(&'a str),
}

/// The pieces of a body; a sentence when a `{{` is not closed or what is in it is not a name.
fn pieces(body: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = body;
    while let Some((text, from)) = rest.split_once("{{") {
        let (name, after) = from.split_once("}}").ok_or("has a {{ without its }}")?;
        let name = name.trim();
        if !is_name(name) {
            return Err(format!(
                "has {{{{{name}}}}}; a variable's name is 1 to 40 of a-z, 0-9 and _, a letter first"
            ));
        }
        pieces.extend([Piece::Text(text), Piece::Variable(name)]);
        rest = after;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl Template {
    /// The names of its variables.
    pub fn variables(&self) -> BTreeSet<&str> {
        let pieces = pieces(&self.body).unwrap_or_default();
        let name = |piece| match piece {
            Piece::Variable(name) => Some(name),
            Piece::Text(_) => None,
        };
        pieces.into_iter().filter_map(name).collect()
    }

    /// The text, with a value for each variable.
    ///
    /// # Errors
    /// `Invalid` names each variable that is missing, and each value that no variable takes; `at`
    /// is where they were given.
    pub fn render(&self, values: &BTreeMap<String, String>, at: &str) -> Result<String, Error> {
        let wanted = self.variables();
        let missing = wanted.iter().filter(|name| !values.contains_key(**name));
        let unknown = values.keys().filter(|name| !wanted.contains(name.as_str()));
        let escape = |name: &str| name.replace('~', "~0").replace('/', "~1");
        let problems: Vec<FieldError> = missing
            .map(|name| {
                FieldError::new(
                    format!("{at}/{name}"),
                    "is missing: the template has this variable",
                )
            })
            .chain(unknown.map(|name| {
                let known = wanted.iter().copied().collect::<Vec<_>>().join(", ");
                let there = if known.is_empty() {
                    "has no variables".into()
                } else {
                    format!("has {known}")
                };
                FieldError::new(
                    format!("{at}/{}", escape(name)),
                    format!("there is no such variable; the template {there}"),
                )
            }))
            .collect();
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let pieces = pieces(&self.body)
            .map_err(|why| Error::invalid("/template_id", format!("the template {why}")))?;
        let text = |piece| match piece {
            Piece::Text(text) => text,
            Piece::Variable(name) => values.get(name).map_or("", String::as_str),
        };
        Ok(pieces.into_iter().map(text).collect())
    }
}

/// Everything that is wrong with what people wrote.
fn check(name: &str, body: &str) -> Result<(), Error> {
    let mut problems = Vec::new();
    let mut length = |pointer: &str, text: &str, most: usize| {
        let chars = text.chars().count();
        if text.trim().is_empty() || chars > most {
            problems.push(FieldError::new(
                pointer,
                format!("must have 1 to {most} characters, has {chars}"),
            ));
        } else if text.contains('\0') {
            problems.push(FieldError::new(pointer, "must not contain a NUL character"));
        }
    };
    length("/name", name, 100);
    length("/body", body, MAX_BODY_CHARS);
    problems.extend(pieces(body).err().map(|why| FieldError::new("/body", why)));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(problems))
    }
}

const TAKEN: &str = "there is a template with this name already";

impl Sms {
    /// Makes a template.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when the name is taken.
    pub async fn create_template(
        &self,
        caller: &Caller,
        draft: TemplateDraft,
        remember: Remember<Template>,
    ) -> Result<Answer<Template>, Error> {
        check(&draft.name, &draft.body)?;
        let case = self
            .kernel
            .of(caller.org, caller.actor)
            .taken(TAKEN)
            .once(remember);
        case.decide(
            || async { Ok(()) },
            |(), moment| Ok(create(caller.org, &draft, moment)),
        )
        .await
    }

    /// Changes a template. Texts that were sent with it stay as they are.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`; `Conflict` when the name is taken.
    pub async fn update_template(
        &self,
        caller: &Caller,
        id: TemplateId,
        patch: TemplatePatch,
    ) -> Result<Template, Error> {
        let load = || self.template(caller.org, id);
        let case = self.kernel.of(caller.org, caller.actor).taken(TAKEN);
        case.decide(load, |template, moment| update(template, &patch, moment))
            .await
    }

    /// Removes a template. Texts that were sent with it stay as they are.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_template(&self, caller: &Caller, id: TemplateId) -> Result<(), Error> {
        let load = || self.template(caller.org, id);
        self.kernel
            .of(caller.org, caller.actor)
            .decide(load, |template, _| Ok(delete(&template)))
            .await
    }

    async fn template(&self, org: OrgId, id: TemplateId) -> Result<Template, Error> {
        let template = get(&*self.reads.of(org), &id).await?;
        template.ok_or(Error::NotFound("template"))
    }

    /// The text of a template with its variables filled in.
    ///
    /// # Errors
    /// `Invalid`: there is no such template, or the variables are not its own.
    pub(super) async fn render(
        &self,
        org: OrgId,
        used: &TemplateUse,
        at: &str,
    ) -> Result<String, Error> {
        let template = get::<Template>(&*self.reads.of(org), &used.id).await?;
        let missing = || {
            Error::invalid(
                format!("{at}/template_id"),
                "there is no template with this id",
            )
        };
        template
            .ok_or_else(missing)?
            .render(&used.variables, &format!("{at}/variables"))
    }
}

fn create(org: OrgId, draft: &TemplateDraft, moment: Moment<'_>) -> Decision<Template> {
    let template = Template {
        org,
        id: TemplateId::new(moment.now, moment.entropy),
        name: draft.name.clone(),
        body: draft.body.clone(),
        created_at: moment.now,
        updated_at: moment.now,
        version: 0,
    };
    let mut batch = Batch::for_org(org);
    batch.insert(&template);
    let id = template.id;
    Decision::new(batch, template).audited("template.create", id)
}

fn update(
    template: Template,
    patch: &TemplatePatch,
    moment: Moment<'_>,
) -> Result<Decision<Template>, Error> {
    let changed = Template {
        name: patch.name.clone().unwrap_or_else(|| template.name.clone()),
        body: patch.body.clone().unwrap_or_else(|| template.body.clone()),
        updated_at: moment.now,
        ..template
    };
    check(&changed.name, &changed.body)?;
    let mut batch = Batch::for_org(changed.org);
    batch.put(&changed);
    let id = changed.id;
    Ok(Decision::new(batch, changed).audited("template.update", id))
}

fn delete(template: &Template) -> Decision<()> {
    let mut batch = Batch::for_org(template.org);
    batch.delete(template);
    Decision::new(batch, ()).audited("template.delete", template.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::entropy::Zero;

    fn template(body: &str) -> Template {
        let moment = Moment {
            now: Timestamp::from_micros(1_767_225_600_000_000),
            entropy: &Zero,
        };
        let org = OrgId::new(moment.now, moment.entropy);
        create(
            org,
            &TemplateDraft {
                name: "Reminder".into(),
                body: body.into(),
            },
            moment,
        )
        .answer
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn pointers(result: Result<String, Error>) -> Vec<String> {
        match result {
            Err(Error::Invalid(problems)) => problems
                .into_iter()
                .map(|problem| problem.pointer)
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_variable_is_filled_in_wherever_it_stands() {
        let template = template("Hi {{first_name}}, see you at {{ time }}. {{first_name}}!");
        let said = template.render(
            &values(&[("first_name", "Kim"), ("time", "3 {{pm}}")]),
            "/variables",
        );
        assert_eq!(
            said.ok().as_deref(),
            Some("Hi Kim, see you at 3 {{pm}}. Kim!"),
            "a value is never read as a template"
        );
    }

    #[test]
    fn what_is_missing_and_what_is_unknown_is_pointed_at() {
        let template = template("Hi {{first_name}} {{last_name}}");
        let result = template.render(
            &values(&[("first_name", "Kim"), ("a/b", "x")]),
            "/variables",
        );
        assert_eq!(
            pointers(result),
            ["/variables/last_name", "/variables/a~1b"]
        );
    }

    #[test]
    fn a_body_with_a_broken_variable_is_refused() {
        for body in [
            "Hi {{name",
            "Hi {{}}",
            "Hi {{Name}}",
            "Hi {{1a}}",
            "Hi {{a b}}",
            " ",
        ] {
            assert!(check("Reminder", body).is_err(), "{body:?}");
        }
        assert!(check("Reminder", "Hi {{a_1}} and }} and { {").is_ok());
        assert!(check(&"x".repeat(101), "Hi").is_err());
    }
}
