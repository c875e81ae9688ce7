use serde::{Deserialize, Serialize};

use crate::kernel::{actor::Actor, error::Error, id::OrgId};

use super::Operation;

/// What a caller may do; each role may do everything that the one before may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Inspects operational data.
    Viewer,
    /// Works day to day: answers, assigns, closes.
    Operator,
    /// Manages settings, access and integrations.
    Admin,
}

impl Role {
    /// Every role, weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The name that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The reverse of [`Role::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

crate::kernel::record::field_by_name!(Role);

/// Somebody who was authenticated, and what they may do in which organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The organization of every read and write of this request.
    pub org: OrgId,
    /// Who it is.
    pub actor: Actor,
    /// What the role allows.
    pub role: Role,
    /// Narrows the role: `*`, or `<resource>:read` and `<resource>:write`; write includes read.
    pub scopes: Vec<String>,
}

impl Caller {
    /// The operator at the command line.
    pub fn system(org: OrgId) -> Self {
        Self {
            org,
            actor: Actor::System,
            role: Role::Admin,
            scopes: vec!["*".into()],
        }
    }

    /// Whether the role and scopes allow `operation`.
    ///
    /// # Errors
    /// A sentence that says what is missing.
    pub fn may(&self, operation: &Operation) -> Result<(), Denied> {
        if self.role < operation.role {
            return Err(Denied::Role {
                has: self.role,
                needs: operation.role,
            });
        }
        let (resource, verb) = operation
            .scope
            .split_once(':')
            .unwrap_or((operation.scope, "write"));
        let allows = |scope: &String| {
            scope == "*"
                || scope == operation.scope
                || (verb == "read" && scope.strip_suffix(":write") == Some(resource))
        };
        if self.scopes.iter().any(allows) {
            Ok(())
        } else {
            Err(Denied::Scope {
                needs: operation.scope,
            })
        }
    }
}

/// Why a caller may not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The role is too weak.
    #[error("this needs the role {needs}, and this key has the role {has}", needs = needs.as_str(), has = has.as_str())]
    Role {
        /// The caller's.
        has: Role,
        /// The operation's.
        needs: Role,
    },
    /// The scope is missing.
    #[error("this key lacks the scope {needs}")]
    Scope {
        /// The operation's.
        needs: &'static str,
    },
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Forbidden(denied.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role, scopes: &[&str]) -> Caller {
        Caller {
            role,
            scopes: scopes.iter().map(|s| s.to_string()).collect(),
            ..Caller::system(crate::kernel::id::OrgId::new(
                crate::kernel::clock::Timestamp::from_micros(0),
                &Zero,
            ))
        }
    }

    struct Zero;
    impl crate::kernel::entropy::Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn roles_are_a_ladder_and_scopes_narrow_them() {
        for operation in super::super::OPERATIONS {
            let allowed: Vec<bool> = Role::ALL
                .into_iter()
                .map(|role| caller(role, &["*"]).may(operation).is_ok())
                .collect();
            assert!(
                allowed.windows(2).all(|pair| pair[0] <= pair[1]),
                "{} is allowed to a weaker role only",
                operation.id
            );
            assert!(caller(Role::Admin, &[]).may(operation).is_err());
            assert!(
                caller(Role::Admin, &[operation.scope])
                    .may(operation)
                    .is_ok()
            );
        }
    }

    #[test]
    fn write_includes_read() {
        let list = super::super::OPERATIONS
            .iter()
            .find(|op| op.scope == "flows:read")
            .unwrap();
        assert!(caller(Role::Viewer, &["flows:write"]).may(list).is_ok());
        assert!(caller(Role::Viewer, &["sms:write"]).may(list).is_err());
    }
}
