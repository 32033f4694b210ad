using System.IO;
using UnrealBuildTool;

public class UnderstudyLiveLink : ModuleRules
{
	public UnderstudyLiveLink(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
		bEnableExceptions = true; // cppzmq throws; the receiver catches

		PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "LiveLinkInterface" });
		PrivateDependencyModuleNames.AddRange(new string[] { "InputCore", "Slate", "SlateCore" });

		// install.py fills this folder: include/ and lib/<platform>/.
		string ThirdParty = Path.GetFullPath(Path.Combine(ModuleDirectory, "..", "ThirdParty"));
		string Include = Path.Combine(ThirdParty, "include");
		if (!File.Exists(Path.Combine(Include, "understudy", "understudy.h")))
		{
			throw new BuildException(
				"The Understudy plugin was copied by hand: its folder Source/ThirdParty is empty. "
				+ "Run bridge/clients/unreal/install.py instead; it brings Understudy's headers and ZeroMQ.");
		}
		PublicSystemIncludePaths.Add(Include);

		string Libraries = Path.Combine(ThirdParty, "lib", Target.Platform.ToString());
		string[] Files = Directory.Exists(Libraries) ? Directory.GetFiles(Libraries) : new string[0];
		if (Files.Length == 0)
		{
			throw new BuildException(
				"There is no ZeroMQ for " + Target.Platform + " in " + Libraries
				+ ": run bridge/clients/unreal/install.py again with the libraries of that platform.");
		}
		foreach (string Library in Files)
		{
			string Name = Path.GetFileName(Library);
			if (Name.EndsWith(".dll"))
			{
				PublicDelayLoadDLLs.Add(Name);
				RuntimeDependencies.Add("$(BinaryOutputDir)/" + Name, Library);
				continue;
			}
			if (Name.Contains(".so") || Name.EndsWith(".dylib"))
			{
				RuntimeDependencies.Add("$(BinaryOutputDir)/" + Name, Library);
			}
			if (!Name.Contains(".so.")) // libzmq.so is linked, libzmq.so.5 is what it loads
			{
				PublicAdditionalLibraries.Add(Library);
			}
			if (Name.EndsWith(".a") || Name.Contains("-mt-s-"))
			{
				PrivateDefinitions.Add("ZMQ_STATIC=1");
			}
		}
		if (Target.Platform == UnrealTargetPlatform.Win64)
		{
			PublicSystemLibraries.AddRange(new string[] { "ws2_32.lib", "iphlpapi.lib", "advapi32.lib" });
		}
	}
}
