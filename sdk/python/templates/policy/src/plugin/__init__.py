"""Keeps a schedule to a budget: at most so many instances of a role, and protected roles never gone."""

from verwalter import log, policy

from .config import Config


def review(input: policy.Input) -> policy.Verdict:
    config = Config.read(input.config)
    verdict = policy.Verdict()
    for role, most in sorted(config.most.items()):
        instances = input.schedule.total(role)
        if instances > most:
            verdict.deny(f"{role}: {instances} instances, at most {most} may be")
    for role in config.protected:
        if input.previous and input.previous.total(role) and not input.schedule.total(role):
            verdict.deny(f"{role}: protected, and would be gone")
    for role, moved in sorted(input.diff.moved.items()):
        verdict.warn(f"{role}: {moved} moved")
    log.info("deny" if verdict.denied else "allow")
    return verdict


Reviewing, WitWorld = policy.export(
    name="sample-policy",
    version="0.1.0",
    review=review,
    check_config=Config.read,
)
