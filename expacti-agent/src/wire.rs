//! What the API says and takes, as its server and its clients share it.

mod agents;
mod cards;
mod containers;
mod operations;
mod problem;
mod records;
mod reviewers;
mod rules;
mod session;
mod shown;
mod votes;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::agents::{AgentState, AgentView, Claim, OwnPending, OwnTickets};
pub(crate) use self::cards::{CardDetail, CardPage, CardView, EarlierText, GrantView, PastView};
pub(crate) use self::containers::ContainerView;
pub(crate) use self::operations::{ModeWord, NewAgent, ReloadView};
pub(crate) use self::problem::ProblemBody;
pub(crate) use self::records::{
    ChainView, ProvenChain, RecordDetail, RecordLine, RecordPage, RecordTree, RulePreview, SimilarView,
};
pub(crate) use self::reviewers::{Me, NewReviewer, ReviewerView, WelcomeView};
pub(crate) use self::rules::{
    Acceptance, AcceptedView, RuleChange, RuleCheck, RuleEdit, RulePage, RuleProblem, RuleView, RulesKept,
    StoredRulesView, SuggestedCommand, SuggestionPage, SuggestionView,
};
pub(crate) use self::session::{Credentials, SessionView};
pub(crate) use self::shown::{command_line, masked_line, outcome_in_words};
pub(crate) use self::votes::{
    AnswerWord, RepeatWord, TicketState, TicketView, VoteBody, VoteResult, VoteView,
};

/// That the daemon serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Health {
    /// `serving`.
    pub(crate) status: String,
    /// Its version.
    pub(crate) version: String,
}
