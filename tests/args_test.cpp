#include "apps/args.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace cairn {
namespace {

struct Result {
  int code = -1;
  std::string out;
  std::string err;
};

/// A small command line with one of everything.
class ArgsTest : public testing::Test {
 protected:
  ArgsTest() {
    Command& train = args.command("train", "Train a model",
                                  {{"cairn train lenet5 --data digits", "a first run"}});
    train.positional("MODEL", model, "model to train").required();
    train.option("-b,--batch", batch, "examples a step", "N").range(1, 4096);
    train.option("--lr", lr, "learning rate", "X").positive();
    train.option("--seed", seed, "seed of all random numbers", "N");
    train.option("--optimizer", optimizer, "update rule", "NAME").choices({"sgd", "adam"});
    train.option("--steps", steps, "stop after so many steps", "N")
        .at_least(1)
        .excludes("--epochs");
    train.option("--epochs", epochs, "stop after so many epochs", "E");
    train.option("--tag", tags, "note to keep", "TEXT");
    train.flag("--json", json, "print the summary as JSON");
    train.run([this] {
      ran = "train";
      return 7;
    });
    Command& data = args.command("data", "Data sets", {{"cairn data list", "what is there"}});
    data.command("list", "List data sets").run([this] {
      ran = "list";
      return 0;
    });
    Command& fetch = data.command("fetch", "Fetch data sets");
    fetch.positional("NAME", names, "data sets");
    fetch.run([this]() -> int {
      if (!names.empty() && names[0] == "broken") fail("the disk is on fire", "leave the room");
      ran = "fetch";
      return 0;
    });
  }

  Result run(std::vector<const char*> words) {
    words.insert(words.begin(), "cairn");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Result result;
    result.code = args.run(static_cast<int>(words.size()), words.data());
    result.out = testing::internal::GetCapturedStdout();
    result.err = testing::internal::GetCapturedStderr();
    return result;
  }

  void expect_wrong(std::vector<const char*> words, const std::string& err) {
    const Result result = run(std::move(words));
    EXPECT_EQ(result.code, 2);
    EXPECT_EQ(result.err, err);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(ran, "");
  }

  CommandLine args{"cairn",
                   "1.2.3",
                   "trains neural networks",
                   {{"cairn train lenet5 --data digits", "learns"}, {"cairn data list", ""}}};
  std::string model, optimizer = "sgd", ran;
  int64_t batch = 64;
  double lr = 0.1;
  uint64_t seed = 1;
  std::optional<int64_t> steps;
  std::optional<double> epochs;
  std::vector<std::string> tags, names;
  bool json = false;
};

TEST_F(ArgsTest, SetsVariablesAndRunsTheCommand) {
  const Result result =
      run({"train", "lenet5", "-b", "32", "--lr=1e-3", "--seed", "18446744073709551615",
           "--optimizer", "adam", "--steps", "10", "--tag", "a", "--tag", "[b,c]", "--json"});
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.code, 7);
  EXPECT_EQ(ran, "train");
  EXPECT_EQ(model, "lenet5");
  EXPECT_EQ(batch, 32);
  EXPECT_EQ(lr, 1e-3);
  EXPECT_EQ(seed, 18446744073709551615u);
  EXPECT_EQ(optimizer, "adam");
  EXPECT_EQ(steps, 10);
  EXPECT_EQ(epochs, std::nullopt);
  EXPECT_EQ(tags, (std::vector<std::string>{"a", "[b,c]"}));
  EXPECT_TRUE(json);
}

TEST_F(ArgsTest, KeepsDefaultsAndTakesTheLastOfTwo) {
  EXPECT_EQ(run({"train", "--batch", "8", "data", "--batch", "16"}).code, 7);
  EXPECT_EQ(model, "data");
  EXPECT_EQ(batch, 16);
  EXPECT_EQ(lr, 0.1);
  EXPECT_FALSE(json);
}

TEST_F(ArgsTest, TakesWordsWithDashesAfterTheMark) {
  EXPECT_EQ(run({"train", "--batch", "8", "--", "--odd"}).code, 7);
  EXPECT_EQ(model, "--odd");
}

TEST_F(ArgsTest, RunsNestedCommands) {
  EXPECT_EQ(run({"data", "list"}).code, 0);
  EXPECT_EQ(ran, "list");
  EXPECT_EQ(run({"data", "fetch", "mnist", "train", "-x-"}).code, 2);
  EXPECT_EQ(run({"data", "fetch", "mnist", "train"}).code, 0);
  EXPECT_EQ(ran, "fetch");
  EXPECT_EQ(names, (std::vector<std::string>{"mnist", "train"}));
}

TEST_F(ArgsTest, NamesUnknownOptionsBeforeTheirConsequences) {
  expect_wrong({"train", "--bach", "4"},
               "error: cairn train: unknown option \"--bach\"\n"
               "  did you mean \"--batch\"?\n"
               "  see \"cairn train --help\"\n");
  expect_wrong({"train", "lenet5", "--colour=red"},
               "error: cairn train: unknown option \"--colour\"\n"
               "  see \"cairn train --help\"\n");
  expect_wrong({"--versoin"},
               "error: cairn: unknown option \"--versoin\"\n"
               "  did you mean \"--version\"?\n"
               "  see \"cairn --help\"\n");
}

TEST_F(ArgsTest, RefusesUnknownCommandsAndWords) {
  expect_wrong({"trian", "lenet5"},
               "error: cairn: unknown command \"trian\"\n"
               "  did you mean \"train\"?\n"
               "  see \"cairn --help\"\n");
  expect_wrong({"data", "frobnicate"},
               "error: cairn data: unknown command \"frobnicate\"\n"
               "  the commands are: list, fetch\n"
               "  see \"cairn data --help\"\n");
  expect_wrong({"data"},
               "error: cairn data: a command is missing\n"
               "  the commands are: list, fetch\n"
               "  see \"cairn data --help\"\n");
  expect_wrong({"train", "lenet5", "extra"},
               "error: cairn train: unexpected argument \"extra\"\n"
               "  see \"cairn train --help\"\n");
}

TEST_F(ArgsTest, RefusesWrongValues) {
  const std::string see = "  see \"cairn train --help\"\n";
  const auto wrong = [&](const char* option, const char* value, const std::string& says) {
    expect_wrong({"train", "lenet5", option, value}, "error: cairn train: " + says + "\n" + see);
  };
  wrong("--batch", "many", "--batch \"many\" is not a whole number");
  wrong("--batch", "4x", "--batch \"4x\" is not a whole number");
  wrong("--batch", "0", "--batch \"0\" must be at least 1");
  wrong("-b", "5000", "--batch \"5000\" must be at most 4096");
  wrong("--batch", "99999999999999999999",
        "--batch \"99999999999999999999\" is too large or too small");
  wrong("--seed", "-1", "--seed \"-1\" is not a whole number of 0 or more");
  wrong("--lr", "0", "--lr \"0\" must be above 0");
  wrong("--lr", "nan", "--lr \"nan\" is not a number");
  wrong("--steps", "0", "--steps \"0\" must be at least 1");
  wrong("--optimizer", "adm", "--optimizer can't be \"adm\"\n  did you mean \"adam\"?");
  wrong("--optimizer", "newton", "--optimizer can't be \"newton\"\n  choose from: sgd, adam");
}

TEST_F(ArgsTest, RefusesWhatIsMissingOrExcluded) {
  expect_wrong({"train"},
               "error: cairn train: MODEL is missing\n"
               "  it is the model to train\n"
               "  see \"cairn train --help\"\n");
  expect_wrong({"train", "lenet5", "--steps", "1", "--epochs", "2"},
               "error: cairn train: --steps and --epochs exclude each other\n"
               "  give one of them\n"
               "  see \"cairn train --help\"\n");
  expect_wrong({"train", "lenet5", "--batch"},
               "error: cairn train: --batch needs a value\n"
               "  see \"cairn train --help\"\n");
}

TEST_F(ArgsTest, TellsErrorsOfTheCommand) {
  const Result result = run({"data", "fetch", "broken"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.err, "error: the disk is on fire\n  leave the room\n");
}

TEST_F(ArgsTest, HelpShowsUsageDefaultsAndExamples) {
  const Result result = run({"train", "--help"});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out, R"(Usage: cairn train MODEL [options]

Train a model

Arguments:
  MODEL  model to train

Options:
  -b, --batch N     examples a step (1 to 4096; default 64)
  --lr X            learning rate (above 0; default 0.1)
  --seed N          seed of all random numbers (default 1)
  --optimizer NAME  update rule (sgd|adam; default sgd)
  --steps N         stop after so many steps (at least 1)
  --epochs E        stop after so many epochs
  --tag TEXT        note to keep (may be repeated)
  --json            print the summary as JSON
  -h, --help        show this text

Examples:
  cairn train lenet5 --data digits
      a first run
)");
  EXPECT_EQ(run({"train", "--bach", "-h"}).out, result.out);
}

TEST_F(ArgsTest, HelpOfAGroupListsItsCommands) {
  const Result result = run({"data", "-h"});
  EXPECT_EQ(result.out, R"(Usage: cairn data COMMAND [options]

Data sets

Commands:
  list   List data sets
  fetch  Fetch data sets

Options:
  -h, --help  show this text

Examples:
  cairn data list
      what is there

"cairn data COMMAND --help" says more.
)");
  EXPECT_NE(run({"--help"}).out.find("--version"), std::string::npos);
}

TEST_F(ArgsTest, HelpWrapsAtTheWidth) {
  Command command("cairn long", "long", "Long", {});
  std::string value;
  command.option("--name", value, "several words that do not fit on one narrow line at all", "X");
  EXPECT_NE(help_text(command, 40)
                .find("  --name X    several words that do not\n"
                      "              fit on one narrow line at\n"
                      "              all\n"),
            std::string::npos)
      << help_text(command, 40);
}

TEST_F(ArgsTest, WelcomeTeachesTheFirstCommands) {
  const Result result = run({});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, R"(cairn 1.2.3: trains neural networks

Start here:
  cairn train lenet5 --data digits
      learns
  cairn data list

"cairn --help" lists all commands.
)");
  EXPECT_EQ(run({"--version"}).out, "cairn 1.2.3\n");
}

}  // namespace
}  // namespace cairn
