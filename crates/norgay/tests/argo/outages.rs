//! An argo-server that is away, or in trouble.

use norgay_testbed::{FaultPlan, RequestFault, RequestRule, When};

use crate::cluster::{Cluster, STUDY, WAITING};
use crate::common::{signal, wait_until};

/// Nothing is answered as it should be.
fn always(fault: RequestFault) -> FaultPlan {
    FaultPlan {
        requests: vec![RequestRule {
            on: Vec::new(),
            when: When::Always,
            fault,
        }],
        ..FaultPlan::default()
    }
}

#[test]
fn a_server_that_is_away_for_a_while_costs_no_trial() {
    for fault in [
        RequestFault::LostRequest,
        RequestFault::Status(503),
        RequestFault::ProxyPage(502),
    ] {
        let cluster = Cluster::running(WAITING);
        let run = cluster.start(STUDY);
        cluster.wait_for_running(2);
        cluster.argo().set_faults(always(fault));
        cluster.argo().cut_watches();
        cluster.release("go");
        wait_until("the trials have ended unseen", || {
            cluster.argo().live().is_empty()
        });
        cluster.argo().set_faults(FaultPlan::default());
        cluster.ended(run, 0);
        assert_eq!(cluster.place.states(), ["completed"; 4]);
        cluster.check_end(4);
    }
}

#[test]
fn a_server_that_does_not_answer_does_not_keep_a_user_who_wants_to_leave() {
    let cluster = Cluster::running(WAITING);
    let run = cluster.start(STUDY);
    cluster.wait_for_running(2);
    cluster.argo().set_faults(always(RequestFault::LostRequest));
    cluster.argo().cut_watches();
    for _ in 0..3 {
        signal(&run, "-INT");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let said = cluster.ended(run, 130);
    assert!(said.contains("the next run takes them over"), "{said}");
    // They did go on, and so does the study.
    cluster.argo().set_faults(FaultPlan::default());
    cluster.release("go");
    wait_until("the trials have ended", || cluster.argo().live().is_empty());
    cluster.norgay(&["run", "study.yaml"], 0);
    assert_eq!(cluster.place.states(), ["completed"; 4]);
    assert_eq!(
        cluster.argo().counters().created_again,
        Vec::<String>::new()
    );
}
